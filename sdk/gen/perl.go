package gen

func perlClient(*unit) ([]File, error) { return nil, ErrUnknown }
