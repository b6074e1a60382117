"""What other packages of a project are told to call. None of them is needed, nor imported here."""
