"""What users call: options in, records and arrays out; no arithmetic."""
