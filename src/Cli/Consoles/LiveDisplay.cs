using System.Globalization;
using DistNet.Training;

namespace DistNet.Cli.Consoles;

/// <summary>A terminal: finished epochs scroll by, and the last line shows where the run is. Written by hand, as one line needs no layout engine.</summary>
internal sealed class LiveDisplay(TextWriter output, Func<int> width, bool color) : RunDisplay
{
    private const int BarLength = 20;
    private bool shown;

    public override void Start(RunStart start) => output.WriteLine(Figures.StartLine(start));

    public override void Progress(TrainingProgress progress)
    {
        double share = progress.TotalSteps > 0 ? Math.Clamp(progress.Step / (double)progress.TotalSteps, 0, 1) : 0;
        int filled = (int)(share * BarLength);
        string bar = new string('━', filled) + (color ? Dim(new string('━', BarLength - filled)) : new string('·', BarLength - filled));
        string text = string.Create(CultureInfo.InvariantCulture, $" epoch {progress.Epoch}/{progress.Epochs}  step {progress.Step:#,0}/{progress.TotalSteps:#,0}  loss {Figures.Loss(progress.Loss)}");
        text += double.IsNaN(progress.Accuracy) ? "" : $"  accuracy {Figures.Percent(progress.Accuracy)}";
        text += progress.SamplesPerSecond > 0 ? $"  {Figures.Count(progress.SamplesPerSecond)} samples/s  {Figures.Duration(progress.Remaining)} left" : "";
        int room = Math.Max(width() - BarLength - 1, 0);
        output.Write("\r\u001b[2K" + (color ? $"\u001b[32m{bar}\u001b[0m" : bar) + (text.Length > room ? text[..room] : text));
        output.Flush();
        shown = true;
    }

    public override void Epoch(TrainingProgress progress) => Line(Figures.EpochLine(progress));

    public override void Message(string sentence) => Line(sentence);

    public override void Warning(string sentence) => Line((color ? "\u001b[33mwarning:\u001b[0m " : "warning: ") + sentence);

    public override void End()
    {
        Clear();
        output.Flush();
    }

    private static string Dim(string text) => text.Length == 0 ? "" : $"\u001b[90m{text}\u001b[32m";

    private void Line(string text)
    {
        Clear();
        output.WriteLine(text);
    }

    private void Clear()
    {
        if (shown)
        {
            output.Write("\r\u001b[2K");
            shown = false;
        }
    }
}
