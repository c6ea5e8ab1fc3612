"""Images: folders by class, and detectors made for them."""

from skgex.images._image_detector import image_detector
from skgex.images._image_folder import ImageFolder, read_image_folder

__all__ = ["ImageFolder", "image_detector", "read_image_folder"]
