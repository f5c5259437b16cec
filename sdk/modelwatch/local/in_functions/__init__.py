"""What runs in the processes of functions, on their path; it imports nothing of the stack."""
