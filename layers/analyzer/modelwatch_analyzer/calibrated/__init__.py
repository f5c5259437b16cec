"""Two samples of rows, compared with a promised rate of false alarms. docs/methods/calibrated.md has the theory."""
