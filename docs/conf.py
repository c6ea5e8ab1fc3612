"""How Sphinx builds the site: ``make docs``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from api_pages import write_api_pages
from sample_report import write_sample_report

import skgex

project = "skgex"
author = "the developers of skgex"
release = skgex.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "equations",
    "stack_of_layers",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["examples", "build"]

# Pages
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
highlight_language = "none"  # blocks without a language are output

# Reference: one page per public name, from __all__ of the public modules.
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_typehints = "none"
add_module_names = False
toc_object_entries_show_parents = "hide"
write_api_pages(Path(__file__).parent / "api")

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"plot_",
    "within_subsection_order": "gallery_order.place_of",
    "capture_repr": ("_repr_html_",),
    "copyfile_regex": r"GALLERY_HEADER\.rst",
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "min_reported_time": 1000,
    "write_computation_times": False,
    "remove_config_comments": True,
    "plot_gallery": True,
    "abort_on_example_error": True,
}

# Looks
html_theme = "pydata_sphinx_theme"
html_title = "skgex"
html_static_path = ["_static"]
write_sample_report(Path(__file__).parent / "_static" / "report.html")
html_css_files = ["skgex.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "skgex"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}
copyright = "the developers of skgex, BSD 3-Clause licence"
html_sidebars = {"index": [], "start": [], "changelog": []}
copybutton_exclude = ".linenos, .gp, .go"
