.hostname = "alpha" | .domainname = "example.org"
