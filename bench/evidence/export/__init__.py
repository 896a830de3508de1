"""An ablation's results for other programs: CSV, TensorBoard's event files, LaTeX."""
