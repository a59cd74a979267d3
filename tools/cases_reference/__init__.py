"""A second, small reading of the standards: CSV tables and fractions only, nothing of the package that is checked."""
