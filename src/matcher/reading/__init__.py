"""Reading: from files or a typed need to tenders, structures and awards."""
