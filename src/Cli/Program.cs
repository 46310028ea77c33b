using System.CommandLine;
using DistNet.Cli.Consoles;
using DistNet.Cli.Verbs;

namespace DistNet.Cli;

/// <summary>The command <c>distnet</c>.</summary>
public static class Program
{
    /// <summary>Exit code of a command that was called wrongly.</summary>
    private const int UsageCode = 2;

    /// <summary>The process's entry.</summary>
    public static int Main(string[] args)
    {
        var startup = StartupTimes.OfProcess();

        // A pool of bytes and text alone: results are the same in every language and time zone.
        Console.OutputEncoding = System.Text.Encoding.UTF8;
        return Run(args, Terminal.OfProcess(), startup);
    }

    /// <summary>Runs a command with its output captured.</summary>
    /// <param name="args">The arguments, the verb first.</param>
    /// <param name="output">Takes results.</param>
    /// <param name="errors">Takes errors and warnings.</param>
    /// <returns>The exit code: 0 done, 1 failed, 2 called wrongly, 3 bad job or data, 130 or 143 interrupted after a checkpoint.</returns>
    public static int Run(string[] args, TextWriter output, TextWriter errors) => Run(args, Terminal.Of(output, errors), StartupTimes.OfCall());

    private static int Run(string[] args, Terminal terminal, StartupTimes startup)
    {
        ArgumentNullException.ThrowIfNull(args);
        bool json = args.Contains("--json");
        bool debug = args.Contains("--debug");
        try
        {
            ParseResult parsed = CommandTree.Create(terminal, startup).Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
            if (parsed.Errors.Count > 0)
            {
                return Fail(terminal, json, UsageCode, UsageSentence(parsed));
            }

            return parsed.Invoke(new InvocationConfiguration
            {
                Output = terminal.Output,
                Error = terminal.Errors,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (DistNetException exception)
        {
            return Fail(terminal, json, (int)exception.Kind, exception.Message, debug ? exception : null);
        }
        catch (Exception exception)
        {
            // A bug: still one sentence, as a stack trace helps nobody who did not ask for it.
            string sentence = $"{exception.Message.TrimEnd('.')} (not expected: {exception.GetType().Name}; --debug shows where)";
            return Fail(terminal, json, (int)FailureKind.Failed, sentence, debug ? exception : null);
        }
    }

    private static string UsageSentence(ParseResult parsed)
    {
        if (parsed.CommandResult.Command is RootCommand root && parsed.UnmatchedTokens.Count > 0)
        {
            string word = parsed.UnmatchedTokens[0];
            return $"there is no command '{word}'; the nearest is '{NearestName.Closest(word, root.Subcommands.Select(verb => verb.Name))}'.";
        }

        string sentence = parsed.Errors[0].Message;
        string command = parsed.CommandResult.Command is RootCommand ? "distnet" : $"distnet {parsed.CommandResult.Command.Name}";
        return $"{sentence.TrimEnd('.')}; `{command} --help` tells what there is.";
    }

    private static int Fail(Terminal terminal, bool json, int code, string sentence, Exception? detail = null)
    {
        string ended = sentence.EndsWith('.') || sentence.EndsWith('?') || sentence.EndsWith('!') || sentence.EndsWith(')') ? sentence : sentence + ".";
        if (json)
        {
            JsonLines.Write(terminal.Output, writer =>
            {
                writer.WriteString("event", "error");
                writer.WriteString("message", ended);
                writer.WriteNumber("exit_code", code);
            });
        }

        terminal.Errors.WriteLine($"error: {ended}");
        if (detail is not null)
        {
            terminal.Errors.WriteLine(detail);
        }

        terminal.Errors.Flush();
        return code;
    }
}
