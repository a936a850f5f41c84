// Runs the built program as its users do: a process with arguments, two outputs and an exit code.
using System.Diagnostics;

namespace Aerie.Cli.Tests;

sealed record AerieProcess(int ExitCode, string Out, string Err)
{
    public static AerieProcess Run(params string[] arguments) => RunIn(null, new Dictionary<string, string>(), arguments);

    public static AerieProcess RunIn(string? folder, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using var process = Process.Start(Command(folder, environment, arguments))!;
        var err = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(TimeSpan.FromMinutes(5))) process.Kill(entireProcessTree: true);
        return new(process.ExitCode, output, err.Result);
    }

    /// <summary>Starts it and lets it run.</summary>
    public static Process Start(params string[] arguments) => Process.Start(Command(null, new Dictionary<string, string>(), arguments))!;

    static ProcessStartInfo Command(string? folder, IReadOnlyDictionary<string, string> environment, string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? AppContext.BaseDirectory,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Aerie.Cli.dll"));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (key, value) in environment) start.Environment[key] = value;
        return start;
    }
}
