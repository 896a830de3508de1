"""Token environments: a policy that begins as a pre-trained reference writes whole answers."""
