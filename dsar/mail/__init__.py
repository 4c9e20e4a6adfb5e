"""Mail from customers: fetched from the mail server, read whatever it is, and stored as a message of a ticket, once."""
