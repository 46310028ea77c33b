using System.CommandLine;
using System.CommandLine.Parsing;
using DistNet.Cli.Consoles;

namespace DistNet.Cli.Verbs;

/// <summary>The verbs with their options.</summary>
internal static class CommandTree
{
    public static RootCommand Create(Terminal terminal, StartupTimes startup)
    {
        var root = new RootCommand("Trains neural networks data-parallel on CPUs; the number of workers, threads and machines cannot change the result.");
        root.Options.Add(new Option<bool>("--debug") { Description = "Show where an error came from.", Recursive = true });
        root.Subcommands.Add(TrainVerb.Create(terminal, startup));
        root.Subcommands.Add(CoordinatorVerb.Create(terminal, startup));
        root.Subcommands.Add(WorkerVerb.Create(terminal));
        root.Subcommands.Add(StatusVerb.Create(terminal));
        root.Subcommands.Add(BenchVerb.Create(terminal));
        root.Subcommands.Add(EvaluateVerb.Create(terminal));
        root.Subcommands.Add(PredictVerb.Create(terminal));
        root.Subcommands.Add(ImportVerb.Create(terminal));
        root.Subcommands.Add(ExportVerb.Create(terminal));
        root.Subcommands.Add(InspectVerb.Create(terminal));
        root.Subcommands.Add(CheckGradVerb.Create(terminal));
        root.Subcommands.Add(CertsVerb.Create(terminal));
        foreach (Command verb in root.Subcommands)
        {
            RefuseEmptyPaths(verb);
        }

        return root;
    }

    // Every argument is a path. An empty one is as a rule a variable of the shell that is not set, and would mean the current folder, or nothing.
    private static void RefuseEmptyPaths(Command verb)
    {
        static void Check(SymbolResult result, string name, IReadOnlyList<Token> tokens)
        {
            if (tokens.Any(token => token.Value.Length == 0))
            {
                result.AddError($"{name} is empty; expected a file or folder");
            }
        }

        foreach (Argument argument in verb.Arguments)
        {
            argument.Validators.Add(result => Check(result, argument.Name, result.Tokens));
        }

        foreach (Option option in verb.Options.Where(option => option.HelpName is "FILE" or "DIR"))
        {
            option.Validators.Add(result => Check(result, option.Name, result.Tokens));
        }
    }

    /// <summary>An option with a whole number of at least 1.</summary>
    public static Option<int?> Count(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !(int.TryParse(result.Tokens[0].Value, out int value) && value >= 1))
            {
                result.AddError($"{name} is '{result.Tokens[0].Value}'; expected a whole number of at least 1");
            }
        });
        return option;
    }

    /// <summary>An option with one of a few words; the first is the default.</summary>
    public static Option<string> Choice(string name, string description, params string[] words)
    {
        var option = new Option<string>(name) { Description = description, HelpName = string.Join('|', words), DefaultValueFactory = _ => words[0] };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !words.Contains(result.Tokens[0].Value))
            {
                result.AddError($"{name} is '{result.Tokens[0].Value}'; expected {string.Join(" or ", words)}");
            }
        });
        return option;
    }

    /// <summary>An option with a port.</summary>
    public static Option<int?> Port(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "PORT" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !(int.TryParse(result.Tokens[0].Value, out int value) && value is >= 0 and <= 65535))
            {
                result.AddError($"{name} is '{result.Tokens[0].Value}'; expected a port from 0 to 65535");
            }
        });
        return option;
    }

    public static Option<string[]> Overrides() => new("--set")
    {
        Description = "Set a key of the job, path.to.key=value; may be given many times.",
        HelpName = "path=value",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    public static Option<string?> DataFolder() => new("--data") { Description = "A folder in which the job's data files are looked for.", HelpName = "DIR" };

    public static Option<ulong?> Seed()
    {
        var option = new Option<ulong?>("--seed") { Description = "The key of all randomness, in place of training.seed.", HelpName = "S" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !ulong.TryParse(result.Tokens[0].Value, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out _))
            {
                result.AddError($"--seed is '{result.Tokens[0].Value}'; expected a whole number of at least 0");
            }
        });
        return option;
    }

    public static Option<bool> Json(string description) => new("--json") { Description = description };
}
