"""What one seed computes, compiled: plain loops over flat arrays."""
