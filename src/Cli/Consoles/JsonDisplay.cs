using DistNet.Training;

namespace DistNet.Cli.Consoles;

/// <summary>One JSON object per line and event: start, epoch, checkpoint, message, warning; the verb adds done or error.</summary>
internal sealed class JsonDisplay(TextWriter output) : RunDisplay
{
    public override void Start(RunStart start) => JsonLines.Write(output, writer =>
    {
        writer.WriteString("event", "start");
        writer.WriteString("job", start.JobFile);
        writer.WriteString("run", start.RunFolder);
        writer.WriteBoolean("resumed", start.Resumed);
        writer.WriteNumber("parameters", start.Parameters);
        writer.WriteNumber("train_samples", start.TrainSamples);
        writer.WriteNumber("validation_samples", start.ValidationSamples);
        writer.WriteNumber("test_samples", start.TestSamples);
        writer.WriteNumber("epochs", start.Epochs);
        writer.WriteNumber("steps_per_epoch", start.StepsPerEpoch);
        writer.WriteNumber("workers", start.Workers);
        writer.WriteNumber("threads", start.Threads);
    });

    public override void Epoch(TrainingProgress progress) => JsonLines.Write(output, writer =>
    {
        writer.WriteString("event", "epoch");
        writer.WriteNumber("epoch", progress.Epoch);
        writer.WriteNumber("step", progress.Step);
        writer.WriteFinite("train.loss", progress.Loss);
        writer.WriteFinite("train.accuracy", progress.Accuracy);
        writer.WriteFinite("validation.loss", progress.ValidationLoss ?? double.NaN);
        writer.WriteFinite("validation.accuracy", progress.ValidationAccuracy ?? double.NaN);
        writer.WriteFinite("learning_rate", progress.LearningRate);
        writer.WriteFinite("samples_per_second", progress.SamplesPerSecond);
    });

    public override void Checkpoint(long step, string reason) => JsonLines.Write(output, writer =>
    {
        writer.WriteString("event", "checkpoint");
        writer.WriteNumber("step", step);
        writer.WriteString("reason", reason);
    });

    public override void Message(string sentence) => Sentence("message", sentence);

    public override void Warning(string sentence) => Sentence("warning", sentence);

    private void Sentence(string kind, string sentence) => JsonLines.Write(output, writer =>
    {
        writer.WriteString("event", kind);
        writer.WriteString("message", sentence);
    });
}
