"""What verbs return: data, and how it is shown."""
