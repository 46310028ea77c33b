using DistNet.Training;

namespace DistNet.Cli.Consoles;

/// <summary>Plain lines, one per epoch: for logs and pipes.</summary>
internal sealed class LineDisplay(TextWriter output, TextWriter errors) : RunDisplay
{
    public override void Start(RunStart start) => output.WriteLine(Figures.StartLine(start));

    public override void Epoch(TrainingProgress progress)
    {
        output.WriteLine(Figures.EpochLine(progress));
        output.Flush();
    }

    public override void Message(string sentence) => output.WriteLine(sentence);

    public override void Warning(string sentence) => errors.WriteLine($"warning: {sentence}");
}

/// <summary>Warnings alone.</summary>
internal sealed class QuietDisplay(TextWriter errors) : RunDisplay
{
    public override void Warning(string sentence) => errors.WriteLine($"warning: {sentence}");
}
