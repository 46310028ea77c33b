using Xunit;

namespace DistNet.Cli.Tests;

/// <summary>One call of the command line with what it printed.</summary>
internal sealed record CliCall(int Code, string Output, string Errors)
{
    /// <summary>The one sentence of an error, without its prefix.</summary>
    public string Sentence
    {
        get
        {
            string line = Assert.Single(Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.StartsWith("error: ", line, StringComparison.Ordinal);
            return line["error: ".Length..];
        }
    }

    public static CliCall Run(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        int code = Program.Run(args, output, errors);
        return new CliCall(code, output.ToString(), errors.ToString());
    }

    /// <summary>Runs a command that must be refused.</summary>
    public static string Refused(int code, params string[] args)
    {
        CliCall call = Run(args);
        Assert.Equal("", call.Output);
        string sentence = call.Sentence;
        Assert.Equal(code, call.Code);
        return sentence;
    }
}

/// <summary>A folder of files for one test, removed at its end.</summary>
internal sealed class Scratch : IDisposable
{
    public Scratch() => Folder = Directory.CreateTempSubdirectory("distnet-cli-").FullName;

    public string Folder { get; }

    public string this[string name] => Path.Combine(Folder, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

/// <summary>Files of the repository.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "DistNet.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The tests run outside the repository.");
    }
}
