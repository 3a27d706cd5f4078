"""One function a rule: read, call one library function, write."""
