using Spectre.Console;

namespace DistNet.Cli.Consoles;

/// <summary>Where a command writes: results to the output, errors and warnings to the error stream.</summary>
internal sealed class Terminal
{
    private Terminal(TextWriter output, TextWriter errors, bool live, bool color)
    {
        Output = output;
        Errors = errors;
        IsLive = live;
        HasColor = color;
    }

    public TextWriter Output { get; }

    public TextWriter Errors { get; }

    /// <summary>Whether the output is a terminal that understands ANSI sequences.</summary>
    public bool IsLive { get; }

    public bool HasColor { get; }

    public static int Width => Console.IsOutputRedirected || Console.WindowWidth <= 0 ? 120 : Console.WindowWidth;

    /// <summary>The process's own streams.</summary>
    public static Terminal OfProcess()
    {
        bool live = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not "dumb";
        return new Terminal(Console.Out, Console.Error, live, live && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));
    }

    /// <summary>Streams that are no terminal.</summary>
    public static Terminal Of(TextWriter output, TextWriter errors) => new(output, errors, live: false, color: false);

    /// <summary>A Spectre console on the output, for tables.</summary>
    public IAnsiConsole Ansi()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = IsLive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = HasColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Output),
        });
        console.Profile.Width = IsLive ? Width : 120;
        return console;
    }

    /// <summary>How a run is shown.</summary>
    /// <param name="quiet">Warnings alone.</param>
    /// <param name="json">Events as JSON.</param>
    /// <param name="progress">With <paramref name="json"/>: the progress too, for a program that shows it.</param>
    public RunDisplay Display(bool quiet, bool json, bool progress = false) => json ? new JsonDisplay(Output, progress)
        : quiet ? new QuietDisplay(Errors)
        : IsLive ? new LiveDisplay(Output, () => Width, HasColor)
        : new LineDisplay(Output, Errors);
}
