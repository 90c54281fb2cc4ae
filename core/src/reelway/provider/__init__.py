"""What a provider plugin is made of, and how plugins are found."""
