using System.Globalization;
using Spectre.Console;

namespace DistNet.Cli.Consoles;

/// <summary>The table at the end of a training.</summary>
internal static class RunSummary
{
    /// <param name="terminal">Where to.</param>
    /// <param name="folder">The run folder.</param>
    /// <param name="result">What the run came to.</param>
    /// <param name="workers">Who computed.</param>
    public static void Write(Terminal terminal, string folder, RunFigures result, string workers)
    {
        IAnsiConsole console = terminal.Ansi();
        Table table = new Table().HideHeaders().AddColumn("").AddColumn("");
        table.Border = TableBorder.Rounded;
        void Row(string name, string value) => table.AddRow(Markup.Escape(name), Markup.Escape(value));
        Row("epochs, steps", string.Create(CultureInfo.InvariantCulture, $"{result.Epochs:#,0}, {result.Steps:#,0}") + (result.StoppedEarly ? " (stopped early, best parameters restored)" : ""));
        Row("training loss", Figures.Loss(result.TrainLoss));
        Measured("validation", result.ValidationLoss, result.ValidationAccuracy);
        Measured("test", result.TestLoss, result.TestAccuracy);
        Row("training time", Figures.Seconds(result.TrainingTime) + (result.SamplesPerSecond > 0 ? $", {Figures.Count(result.SamplesPerSecond)} samples/s" : ""));
        Row("workers", workers + (result.Recoveries > 0 ? string.Create(CultureInfo.InvariantCulture, $", {result.Recoveries} recoveries") : ""));
        Row("digest", result.ParametersSha256);
        Row("run folder", folder);
        console.Write(table);
        terminal.Output.Flush();

        void Measured(string split, double loss, double accuracy)
        {
            if (double.IsFinite(loss))
            {
                Row(split, $"loss {Figures.Loss(loss)}" + (double.IsNaN(accuracy) ? "" : $", accuracy {Figures.Percent(accuracy)}"));
            }
        }
    }
}
