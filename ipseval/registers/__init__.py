"""How deliveries are read: layouts, rules on rows and files, spells."""
