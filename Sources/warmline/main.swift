print("warmline")
