module github.com/dynsvc/dynsvc

go 1.26
