using System.CommandLine;
using DistNet.Checkpoints;
using DistNet.Cli.Consoles;
using DistNet.Coordinator.Node;
using DistNet.Protocol;
using DistNet.Protocol.Security;
using DistNet.Runs;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet coordinator JOB.yaml --bind HOST:PORT</c>.</summary>
internal static class CoordinatorVerb
{
    public static Command Create(Terminal terminal, StartupTimes startup)
    {
        var run = new RunOptions();
        var cluster = new ClusterOptions();
        var bind = new Option<string>("--bind") { Description = "Where workers join; port 0 lets the system choose.", HelpName = "HOST:PORT", Required = true };
        Option<int?> controlPort = CommandTree.Port("--control-port", "The control plane's port; by default the system chooses, and workers are told.");
        var publicAddress = new Option<string?>("--public") { Description = "The address by which workers reach --bind, where it is another.", HelpName = "HOST:PORT" };
        Option<int?> publicControlPort = CommandTree.Port("--public-control-port", "The port by which workers reach the control plane, where it is another.");
        Option<int?> minimum = CommandTree.Count("--min-workers", "Workers that must be present before the first step; by default 1.");
        Option<int?> threads = CommandTree.Count("--threads", "Threads for sum and update; by default one per core.");
        var command = new Command("coordinator", "Lead a run whose workers are processes of their own.");
        command.Arguments.Add(run.Job);
        foreach (Option option in new Option[] { bind, controlPort, publicAddress, publicControlPort, minimum, threads })
        {
            command.Options.Add(option);
        }

        cluster.AddTo(command);
        run.AddTo(command);
        command.SetAction(parsed =>
        {
            RunRequest request = run.Read(parsed);
            var options = new CoordinatorNodeOptions
            {
                Bind = HostPort.Parse(parsed.GetRequiredValue(bind), bind.Name),
                Public = ClusterOptions.Address(parsed, publicAddress),
                ControlPort = parsed.GetValue(controlPort) ?? 0,
                PublicControlPort = parsed.GetValue(publicControlPort) ?? 0,
                MinimumWorkers = parsed.GetValue(minimum) ?? 1,
                Threads = parsed.GetValue(threads),
                Token = cluster.Token(parsed),
                Tls = cluster.Certificates(parsed),
                Insecure = parsed.GetValue(cluster.Insecure),
                SharedMemory = cluster.MayShareMemory(parsed),
                JobJson = Jobs.JobFile.ToJson(request.Job),
                DataFolder = request.DataFolder,
            };
            _ = ExposurePolicy.Check(options.Bind.Host, options.Token, options.Tls, options.Insecure); // before anything is written; the node warns of what it lets pass
            return new RunCommand(terminal, request, startup)
            {
                Supervised = parsed.GetValue(cluster.Supervised),
                ResumeCommand = "distnet coordinator",
                ResumeArguments = $" --bind {ShellText.Quoted(options.Bind.ToString())}",
                Train = plan => LeadAsync(plan, options),
            }.Run();
        });
        return command;
    }

    private static Task<RunResult> LeadAsync(RunPlan plan, CoordinatorNodeOptions options) => CoordinatorNode.RunAsync(
        plan.Request.Job,
        plan.Data,
        options with { RunFolder = plan.Folder, Resume = plan.Resume, Observer = new Listener(plan) },
        plan.Events,
        plan.Stop);

    // The run begins, for whoever watches, when workers may join it.
    private sealed class Listener(RunPlan plan) : IClusterObserver
    {
        public void OnListening(HostPort address, int controlPort)
        {
            plan.Events.Post(display => display.Listening(address.ToString(), controlPort));
            plan.Events.Startup.Reached(StartupPhase.Listening);
            plan.Begin();
        }

        public void OnOpened(RunJournal journal) => plan.Events.OnOpened(journal);

        public void OnWorkers(WorkerId worker, int workers, string sentence) => plan.Events.OnWorkers(worker, workers, sentence);

        public void OnStep(StepReport report) => plan.Events.OnStep(report);

        public void OnWarning(string sentence) => plan.Events.OnWarning(sentence);

        public void OnCheckpoint(CheckpointReport report) => plan.Events.OnCheckpoint(report);
    }
}
