print("registryctl")
