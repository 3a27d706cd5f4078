"""What the surrogate learned: samples of the hidden terms with their covariance."""
