"""Is it the person? In proportion to the risk, each identifier by itself, without a copy of a document (mission D2).

`proof` says what is asked and proved, `codes` sends and takes codes, `challenge` holds answers against the record,
`waiting` reminds and gives up, `views` is what the person sees.
"""
