"""Databases of other people's products, taken as they are today, by two commands: pulled and served."""
