using DistNet.Training;

namespace DistNet.Cli.Consoles;

/// <summary>One JSON object per line and event: listening, start, worker-joined, worker-left, progress (where asked for), epoch, checkpoint, message, warning; the verb adds done,
/// interrupted or error.</summary>
internal sealed class JsonDisplay(TextWriter output, bool progress) : RunDisplay
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
        if (start.Workers > 0)
        {
            writer.WriteNumber("workers", start.Workers);
            writer.WriteNumber("threads", start.Threads);
        }
    });

    public override void Listening(string address, int controlPort) => JsonLines.Write(output, writer =>
    {
        writer.WriteString("event", "listening");
        writer.WriteString("address", address);
        writer.WriteNumber("control_port", controlPort);
    });

    public override void Workers(string worker, int before, int present, string sentence) => JsonLines.Write(output, writer =>
    {
        writer.WriteString("event", present > before ? "worker-joined" : present < before ? "worker-left" : "worker");
        writer.WriteString("worker", worker);
        writer.WriteNumber("present", present);
        writer.WriteString("message", sentence);
        writer.WriteString("time", Time);
    });

    public override void Progress(TrainingProgress value)
    {
        if (progress)
        {
            JsonLines.Write(output, writer =>
            {
                writer.WriteString("event", "progress");
                writer.WriteNumber("epoch", value.Epoch);
                writer.WriteNumber("epochs", value.Epochs);
                writer.WriteNumber("step", value.Step);
                writer.WriteNumber("total_steps", value.TotalSteps);
                writer.WriteFinite("train.loss", value.Loss);
                writer.WriteFinite("train.accuracy", value.Accuracy);
                writer.WriteFinite("learning_rate", value.LearningRate);
                writer.WriteFinite("samples_per_second", value.SamplesPerSecond);
                writer.WriteFinite("remaining_seconds", value.Remaining.TotalSeconds);
            });
        }
    }

    public override void Epoch(TrainingProgress value) => JsonLines.Write(output, writer =>
    {
        writer.WriteString("event", "epoch");
        writer.WriteNumber("epoch", value.Epoch);
        writer.WriteNumber("step", value.Step);
        writer.WriteFinite("train.loss", value.Loss);
        writer.WriteFinite("train.accuracy", value.Accuracy);
        writer.WriteFinite("validation.loss", value.ValidationLoss ?? double.NaN);
        writer.WriteFinite("validation.accuracy", value.ValidationAccuracy ?? double.NaN);
        writer.WriteFinite("learning_rate", value.LearningRate);
        writer.WriteFinite("samples_per_second", value.SamplesPerSecond);
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
        writer.WriteString("time", Time);
    });
}
