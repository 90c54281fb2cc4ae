"""What users and plugin authors need to test their own code."""
