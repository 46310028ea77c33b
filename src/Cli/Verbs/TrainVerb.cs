using System.CommandLine;
using DistNet.Cli.Consoles;
using DistNet.Cli.Supervision;
using DistNet.Local;
using DistNet.Protocol;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet train JOB.yaml</c>.</summary>
internal static class TrainVerb
{
    public static Command Create(Terminal terminal, StartupTimes startup)
    {
        var options = new RunOptions();
        Option<int?> workers = CommandTree.Count("--workers", "Worker actors in this process; by default one per core.");
        Option<int?> threads = CommandTree.Count("--threads", "Compute threads of each worker; by default 1.");
        Option<int?> processes = CommandTree.Count("--processes", "Instead: worker processes on this machine, joined in a cluster and watched over.");
        var sharedMemory = new Option<string?>("--shared-memory") { Description = "With --processes: auto (the default) or off, where tensors go by gRPC.", HelpName = "auto|off" };
        sharedMemory.AcceptOnlyFromAmong("auto", "off");
        var command = new Command("train", "Train a model on this machine.");
        command.Arguments.Add(options.Job);
        command.Options.Add(workers);
        command.Options.Add(threads);
        command.Options.Add(processes);
        command.Options.Add(sharedMemory);
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(processes) is { } number)
            {
                if (parsed.GetValue(workers) is not null)
                {
                    throw DistNetException.Usage("--workers and --processes exclude each other; expected worker actors in this process or worker processes.");
                }

                return new SupervisedTraining(terminal, options.Read(parsed), startup)
                {
                    Processes = number,
                    Threads = parsed.GetValue(threads) ?? 1,
                    SharedMemory = parsed.GetValue(sharedMemory) ?? "auto",
                }.Run();
            }

            if (parsed.GetValue(sharedMemory) is not null)
            {
                throw DistNetException.Usage("--shared-memory is for processes; expected it together with --processes.");
            }

            // A quarter of the start, on a core that has nothing else to do while the job and the data are read.
            ControlHost.Prepare();
            int count = parsed.GetValue(workers) ?? Environment.ProcessorCount;
            int each = parsed.GetValue(threads) ?? 1;
            return new RunCommand(terminal, options.Read(parsed), startup)
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
