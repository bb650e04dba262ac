"""Where graphs come from: a block, a saved model."""
