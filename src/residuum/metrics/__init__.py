"""What "recovered" means: five measures of a found formula against the true one."""
