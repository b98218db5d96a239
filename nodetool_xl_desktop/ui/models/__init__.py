"""My Models: the cards of the side bar, the table in the centre, and what can be done with the models in them."""
