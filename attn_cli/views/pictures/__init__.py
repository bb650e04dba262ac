"""Pictures of what reports say. `views.PICTURES` says which there are and what draws each."""
