"""All that needs TensorFlow; imported only where it is asked for."""
