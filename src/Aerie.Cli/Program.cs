Console.Error.WriteLine("aerie: nothing here yet");
return 2;
