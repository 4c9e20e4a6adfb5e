"""The signed way in for the website's forms: what a person wrote becomes a ticket and, if it is one, a request (mission D1)."""
