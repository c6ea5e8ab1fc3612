"""Pictures of what a detector or a pruner found, as scikit-learn's Displays."""
