"""Pictures of what a detector or a pruner found, in scikit-learn's Display convention."""
