"""In which order the gallery shows its scripts: what a newcomer asks first."""

ORDER = [
    "plot_wrong_digits.py",
    "plot_tables.py",
    "plot_report.py",
    "plot_suspicious_images.py",
    "plot_scores_and_cut.py",
    "plot_precision.py",
    "plot_neighbours_images.py",
    "plot_neighbours_table.py",
    "plot_noise_matrix.py",
    "plot_noise_probability.py",
    "plot_noise_type.py",
    "plot_convergence.py",
    "plot_cleaning.py",
    "plot_pruning.py",
    "plot_own_net.py",
    "plot_regression.py",
    "plot_grid_search.py",
    "plot_rivals.py",
]


def place_of(filename: str) -> int:
    """Return where a script stands; one that is not in ``ORDER`` comes last."""
    return ORDER.index(filename) if filename in ORDER else len(ORDER)
