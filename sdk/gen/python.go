package gen

func pythonClient(*unit) ([]File, error) { return nil, ErrUnknown }

func pythonServer(*unit) ([]File, error) { return nil, ErrUnknown }
