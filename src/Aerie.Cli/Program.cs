// DOOR 2: `aerie <verb>`. One file per verb in Verbs/; what they share is Shell (parsing, errors, exit codes) and Screen (output).
return Aerie.Cli.Shell.Run(args);
