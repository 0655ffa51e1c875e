package gen

func javaClient(*unit) ([]File, error) { return nil, ErrUnknown }
