"""``modelwatch doctor``: whether a deployment, or this machine, is as it should be; nothing is changed."""
