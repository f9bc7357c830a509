print("trainerd")
