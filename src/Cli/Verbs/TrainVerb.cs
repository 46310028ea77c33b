using System.CommandLine;
using DistNet.Cli.Consoles;
using DistNet.Local;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet train JOB.yaml</c>.</summary>
internal static class TrainVerb
{
    public static Command Create(Terminal terminal)
    {
        var options = new RunOptions();
        Option<int?> workers = CommandTree.Count("--workers", "Worker actors in this process; by default one per core.");
        Option<int?> threads = CommandTree.Count("--threads", "Compute threads of each worker; by default 1.");
        var command = new Command("train", "Train a model on this machine.");
        command.Arguments.Add(options.Job);
        command.Options.Add(workers);
        command.Options.Add(threads);
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            int count = parsed.GetValue(workers) ?? Environment.ProcessorCount;
            int each = parsed.GetValue(threads) ?? 1;
            return new RunCommand(terminal, options.Read(parsed))
            {
                Workers = count,
                Threads = each,
                ResumeCommand = "distnet train",
                Train = plan => TrainLocally(plan, count, each),
            }.Run();
        });
        return command;
    }

    private static Task<RunResult> TrainLocally(RunPlan plan, int workers, int threads)
    {
        plan.Begin();
        var options = new LocalOptions
        {
            Workers = workers,
            ThreadsPerWorker = threads,
            RunFolder = plan.Folder,
            Resume = plan.Resume,
            JobJson = plan.JobJson,
            Observer = plan.Events,
        };
        return LocalTrainer.TrainAsync(plan.Request.Job, plan.Data, options, plan.Events, plan.Stop);
    }
}
