"""Images are read from folders within bounds, and errors name the file."""

import re
import struct
import sys
import zlib

import numpy as np
import pytest
from picturing import make_folder, save
from PIL import Image

from skgex.images import read_image_folder


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "animals")


def refused(folder, *parts, **options):
    """Assert that reading fails with an error that has all parts, and return it."""
    with pytest.raises(ValueError, match=r"^(folder|size): ") as caught:
        read_image_folder(folder, **options)
    text = str(caught.value)
    for part in parts:
        assert re.search(part, text), text
    assert "\n" not in text


def test_images_labels_and_paths_belong_together(folder):
    found = read_image_folder(folder)
    assert found.images.shape == (6, 6, 5)
    assert found.images.dtype == np.uint8
    assert found.labels.tolist() == ["cats"] * 3 + ["dogs"] * 3
    assert found.images[:, 0, 0].tolist() == [10, 11, 12, 200, 201, 202]
    assert found.paths[4] == folder / "dogs" / "1.png"


def test_one_image_in_colour_makes_all_colourful(folder):
    save(folder / "cats" / "9.png", np.full((6, 5, 3), (255, 0, 7)))
    images = read_image_folder(folder).images
    assert images.shape == (7, 6, 5, 3)
    assert images[3, 0, 0].tolist() == [255, 0, 7]
    assert images[0, 0, 0].tolist() == [10, 10, 10]


def test_what_a_file_is_called_does_not_matter(folder):
    (folder / "cats" / "0.png").rename(folder / "cats" / "0.jpg")
    assert len(read_image_folder(folder).images) == 6


@pytest.mark.parametrize("kind", ["bmp", "gif", "tiff", "webp", "ppm", "png"])
def test_each_kind_of_file_is_read(folder, kind):
    path = folder / "cats" / f"9.{kind}"
    Image.fromarray(np.full((6, 5), 77, dtype=np.uint8)).save(
        path, **({"lossless": True} if kind == "webp" else {})
    )
    found = read_image_folder(folder)
    assert found.images[3].flat[0] == 77
    if kind != "webp":  # which has no grey images
        assert found.images.ndim == 3


def test_sixteen_bits_keep_their_shades(folder):
    Image.fromarray(np.full((6, 5), 0x8123, dtype=np.uint16)).save(
        folder / "cats" / "9.png"
    )
    assert read_image_folder(folder).images[3, 0, 0] == 0x81


def test_transparent_pixels_are_white(folder):
    clear = np.zeros((6, 5, 4))
    clear[0, 0] = 1, 2, 3, 255
    save(folder / "cats" / "9.png", clear)
    image = read_image_folder(folder).images[3]
    assert image[0, 0].tolist() == [1, 2, 3]
    assert image[1, 1].tolist() == [255, 255, 255]


def test_an_image_is_turned_as_the_camera_was(folder):
    pixels = np.zeros((5, 6), dtype=np.uint8)
    pixels[0, 0] = 255
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6  # a quarter turn clockwise
    image.save(folder / "cats" / "9.png", exif=exif)
    turned = read_image_folder(folder).images[3]
    assert turned.shape == (6, 5)
    assert turned[0, -1] == 255


def test_images_of_several_sizes_get_the_median_one(folder):
    save(folder / "cats" / "9.png", np.full((60, 50), 30))
    found = read_image_folder(folder)
    assert found.images.shape == (7, 6, 5)
    assert (found.images[3] == 30).all()


def test_large_images_are_scaled_down_in_proportion(tmp_path):
    folder = make_folder(tmp_path / "large", shape=(100, 200))
    assert read_image_folder(folder).images.shape[1:] == (32, 64)
    assert read_image_folder(folder, size=(9, 7)).images.shape[1:] == (9, 7)
    assert read_image_folder(folder, size=128).images.shape[1:] == (128, 128)


def test_hidden_files_and_what_lies_beside_the_classes_are_left_out(folder):
    (folder / ".cache").mkdir()
    (folder / "notes.txt").write_text("hello")
    (folder / "cats" / ".DS_Store").write_text("x")
    (folder / "cats" / "Thumbs.db").write_text("x")
    assert len(read_image_folder(folder).images) == 6


# Folders that are refused


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(NotADirectoryError, match=r"folder: there is no folder '.*no'"):
        read_image_folder(tmp_path / "no")


def test_a_folder_without_classes(tmp_path):
    save(tmp_path / "1.png", np.zeros((2, 2)))
    refused(tmp_path, "has 0 sub-folders; one per class")


def test_a_class_without_images(folder):
    (folder / "eels").mkdir()
    refused(folder, "eels' holds no image")


def test_a_folder_within_a_class(folder):
    (folder / "cats" / "more").mkdir()
    refused(folder, "more' is no file; images must lie directly")


@pytest.mark.parametrize("whole_class", [True, False])
def test_a_link_that_leads_out(folder, tmp_path, whole_class):
    outside = make_folder(tmp_path / "elsewhere") / "cats"
    link = folder / "eels" if whole_class else folder / "cats" / "link.png"
    link.symlink_to(outside if whole_class else outside / "0.png")
    refused(folder, link.name, "leads out of the folder")


def test_a_link_within_the_folder_is_read(folder):
    (folder / "cats" / "again.png").symlink_to(folder / "cats" / "0.png")
    assert len(read_image_folder(folder).images) == 7


def test_too_many_images(folder):
    refused(folder, "max_images=5", max_images=5)


def test_too_much_memory_is_refused_before_decoding(folder):
    refused(folder, "6 images of 6 x 5 pixels take 180 bytes", max_bytes=179)
    assert len(read_image_folder(folder, max_bytes=180).images) == 6


@pytest.mark.parametrize("size", [0, -1, (3,), (3, 4, 5), "8", 2.5, (2.5, 3)])
def test_impossible_sizes(folder, size):
    refused(folder, "size: must be a number of pixels", size=size)


def test_without_pillow_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r'pip install "skgex\[images\]"'):
        read_image_folder(folder)


# Files that are refused


def test_what_is_no_image(folder):
    (folder / "cats" / "list.png").write_text("name,label\n")
    refused(folder, "cats/list.png' is no image that can be read")


def test_an_empty_file(folder):
    (folder / "cats" / "empty.png").touch()
    refused(folder, "cats/empty.png' is no image")


@pytest.mark.parametrize("kind", ["png", "jpg", "gif", "bmp", "tiff"])
def test_truncated_files(folder, kind):
    noise = np.random.RandomState(0).randint(0, 256, (60, 50))
    path = save(folder / "cats" / f"half.{kind}", noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(folder, f"cats/half.{kind}' is (a damaged image|no image)")


def test_flipped_bits_are_noticed(folder):
    path = save(folder / "cats" / "bits.png", np.random.randint(0, 256, (60, 50)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    refused(folder, "cats/bits.png' is a damaged image")


def png_of(width, height, pixels=b""):
    """Return a PNG file with a header that says what it likes."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


def test_a_decompression_bomb_is_never_decoded(folder):
    """A few kilobytes that would take 900 MB."""
    (folder / "cats" / "bomb.png").write_bytes(png_of(30_000, 30_000, bytes(2**20)))
    refused(folder, "cats/bomb.png' has too many pixels")


def test_more_pixels_than_the_bound_are_not_decoded(folder):
    (folder / "cats" / "wide.png").write_bytes(png_of(8000, 8000))
    refused(folder, "cats/wide.png' has 8000 x 8000 pixels", "max_pixels=50,000,000")


def test_the_bound_may_be_set(folder):
    refused(folder, "cats/0.png' has 5 x 6 pixels", max_pixels=29)
    assert len(read_image_folder(folder, max_pixels=30).images) == 6


def test_numbers_without_a_range(folder):
    Image.fromarray(np.zeros((6, 5), dtype=np.float32)).save(folder / "cats" / "f.tiff")
    refused(folder, "cats/f.tiff' holds numbers without a fixed range")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["png", "jpg", "gif", "bmp", "tiff", "webp", "ppm"])
def test_damage_is_refused_or_seen_past(folder, kind):
    rng = np.random.RandomState(0)
    path = save(folder / "cats" / f"bad.{kind}", rng.randint(0, 256, (20, 20, 3)))
    good, errors = np.frombuffer(path.read_bytes(), dtype=np.uint8), []
    for _ in range(40):
        data = good.copy()
        places = rng.randint(len(data), size=3)
        data[places] = rng.randint(0, 256, 3)
        path.write_bytes(data[: rng.randint(1, len(data) + 1)].tobytes())
        try:
            assert len(read_image_folder(folder).images) == 7
        except ValueError as error:
            errors.append(str(error))
    assert errors
    assert all(f"cats/bad.{kind}'" in error for error in errors)
