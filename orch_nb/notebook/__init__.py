"""The notebook's side: magics, their options, completion, and all that is shown."""
